import type { RestOperation } from './rest.ts'
import * as templates from './templates.ts'

/** Part of the table in rest.ts: what is written again and again. */
export const templateOperations = {
  listTemplates: {
    method: 'GET',
    path: '/v1/templates',
    access: 'user',
    summary: 'Own templates, by name',
    response: templates.templateList,
  },
  getTemplate: {
    method: 'GET',
    path: '/v1/templates/:templateId',
    access: 'user',
    summary: 'A template, whole',
    response: templates.template,
  },
  saveTemplate: {
    method: 'PUT',
    path: '/v1/templates/:templateId',
    access: 'user',
    summary: 'Make a template, or change it',
    body: templates.templateSave,
    maxBodyBytes: templates.maxTemplateBytes,
    response: templates.template,
  },
  removeTemplate: {
    method: 'DELETE',
    path: '/v1/templates/:templateId',
    access: 'user',
    summary: 'Remove a template',
    answer: 'empty',
  },
  restoreTemplate: {
    method: 'POST',
    path: '/v1/templates/:templateId/restore',
    access: 'user',
    summary: 'Bring back a template that was removed',
    response: templates.template,
  },
} as const satisfies Record<string, RestOperation>
